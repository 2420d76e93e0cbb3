"""How several nodes are one wall: messages, questions, documents and presence, by an engine between them."""
