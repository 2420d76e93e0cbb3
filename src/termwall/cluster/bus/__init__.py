"""Sends bytes and stores documents between the nodes: the contract, its two engines, and what both are made of."""
