import { ConfigError, readConfig } from "../../src/config/config.ts";

/** The faults that the settings of an environment have, a line each. */
export function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n").slice(1);
  }
}
