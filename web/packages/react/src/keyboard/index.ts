export { type OptionKeys, platformOf } from "./keyboard";
export { composes, type KeyPress, latinOf, type Platform } from "./layout";
