import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "packages/*/test/**/*.test.tsx", "app/test/**/*.test.ts*"],
    // In a forked process, loading @xterm/addon-unicode-graphemes under happy-dom never ends.
    pool: "threads",
  },
});
