"""The edges to the network: sockets and HTTP in, the hub behind them."""
