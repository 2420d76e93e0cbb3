/** The nodes that gave no answer to what all were asked, as a sentence; "" where none is missing. */
export function missingSentence(nodes: readonly string[], done: "listed" | "searched"): string {
  if (nodes.length === 0) return "";
  return `${nodes.length === 1 ? "Node" : "Nodes"} ${nodes.join(", ")} could not be asked: what is there was not ${done}.`;
}
