import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.TERMWALL_DEV_SERVER ?? "http://127.0.0.1:7070";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../../src/termwall/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false }, // There is one chunk: nothing is loaded ahead.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1024,
    license: { fileName: "THIRD_PARTY.md" },
  },
  server: { proxy: { "/api": server, "/ws": { target: server, ws: true } } },
});
