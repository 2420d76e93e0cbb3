// @xterm/addon-unicode-graphemes reads its tables with `Buffer.from(...).buffer` from offset 0. A Buffer of Node's shared
// pool begins anywhere in it: then the tables are nonsense, and unpacking them never ends. Without a pool it is at 0.
(globalThis as unknown as { Buffer: { poolSize: number } }).Buffer.poolSize = 0;
