export { createRandom, type Random } from "../../../tools/fault-proxy/random.ts";
