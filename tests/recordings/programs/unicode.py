"""Text of many scripts: wide, combined, joined. `tools/record.py` records it."""

import sys

TEXT = """\
CJK        日本語のテキスト 한국어 텍스트 中文字符 ｆｕｌｌ ﾊﾝｶｸ
combining  e\u0301 n\u0303 o\u0308 a\u030a\u0323 Z\u0351\u036b\u0343 \u0627\u0644\u0633\u0644\u0627\u0645 שָׁלוֹם
emoji      😀 🎉 🚀 ✅ ❌ ⚠ ⚠\ufe0f ❤ ❤\ufe0f ☎\ufe0e ©\ufe0f 1\ufe0f\u20e3
joined     👨\u200d👩\u200d👧\u200d👦 👩\u200d💻 🏳\ufe0f\u200d🌈 👩🏽\u200d🚀 🧑🏻\u200d🤝\u200d🧑🏿
flags      🇩🇪 🇯🇵 🇧🇷 🇺🇳 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f
skin       👍 👍🏻 👍🏽 👍🏿
indic      नमस्ते क्षेत्र தமிழ் ไทยคำ ຄຳ
boxes      ┌─┬─┐ ╔═╦═╗ ▁▂▃▄▅▆▇█ ░▒▓ ⣿⡇
symbols    → ⇒ ∑ ∞ ≠ ½ № ™ Ω Å ﬁ ﷽
"""


def main() -> None:
    out = sys.stdout
    out.write(TEXT.replace("\n", "\r\n"))
    out.write("\x1b[1;44m" + TEXT.splitlines()[0] + "\x1b[0m\r\n")
    out.write("long " + "日本語" * 40 + "\r\n")
    out.write("x" * 79 + "日wrapped by a wide one\r\n")
    out.write("y" * 78 + "👨\u200d👩\u200d👧wrapped behind a family\r\n")
    out.write("日本語 overwritten\r\x1b[C*\x1b[2C* \r\n")
    out.write("insert: 日本\x1b[2D\x1b[@x\x1b[3D\x1b[P\r\n")
    out.write("\x1b(0lqqqk\x1b(B and \x0e\x1b)0xqx\x0f line drawing\r\n")
    out.write("tabs\ta\tb\tc\r\n\x1b[3g\x1b[5G\x1bH\x1b[11G\x1bH\rx\ty\tz\r\n")
    out.flush()


main()
