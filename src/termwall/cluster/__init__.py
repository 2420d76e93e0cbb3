"""How several nodes are one wall: messages, questions, documents and presence, by one of two engines."""
