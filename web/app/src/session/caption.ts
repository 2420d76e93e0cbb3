/** Text of others as it may stand beside ours: without controls, and without what turns the text around it (X9). */
export const caption = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "");
