// The product without the limits that would restrict a load test.
import { pino } from "pino";
import { makeSecret } from "../../src/accounts/access-tokens.ts";
import { createGeminiModel } from "../../src/model/gemini/client.ts";
import { readConfig } from "../../src/config/config.ts";
import { connect } from "../../src/database/connect.ts";
import { compose } from "../../src/compose.ts";
import { startServer } from "../../src/server.ts";
import { serveUsage } from "./child.ts";

const config = readConfig({
  NODE_ENV: "test",
  HOST: "127.0.0.1",
  PORT: "0",
  DATABASE_URL: process.env.BENCH_DATABASE_URL,
  RATE_LIMITS: "off",
  SOCKETS_PER_USER: "0",
  SOCKETS_PER_ADDRESS: "0",
  GEMINI_BASE_URL: process.env.BENCH_GEMINI_URL,
  BUDGET_TOKENS_PER_USER_DAY: "0",
  BUDGET_TOKENS_PER_CHAT_DAY: "0",
  BUDGET_ANSWERS_PER_USER: "0",
  BUDGET_ANSWERS_PER_CHAT: "0",
  BUDGET_ANSWERS_TOTAL: "0",
});
const log = pino({ level: "error" });
const secretKey = makeSecret();
if (!config.database) throw new Error("BENCH_DATABASE_URL is not set");
const sql = connect(config.database, log);
const { baseUrl } = config.gemini;
const { url } = startServer(
  compose({
    config,
    secretKey,
    sql,
    log,
    model: {
      answer: createGeminiModel({ apiKey: "none", baseUrl, log }),
      description: "scripted",
    },
  }),
);
serveUsage({ url, secretKey });
