export { createRandom, type Random } from "../../src/client/faults/random.ts";
