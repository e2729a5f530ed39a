// Reads a diagram from stdin with the real Mermaid parser; exits with 1 if it is none.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
const parsed = await mermaid.parse(readFileSync(0, "utf8"));
console.log(parsed.diagramType);
