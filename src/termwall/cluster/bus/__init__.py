"""Sends bytes and stores documents between the nodes: the contract, its engine, and what that is made of."""
