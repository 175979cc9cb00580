// Preload of every test run. A single run starts a PostgreSQL for its process; the workers of `bun run check` share one.
import { clusterSetting, startCluster, useCluster } from "./world/cluster.ts";
import { watchAnswers } from "./world/contract.ts";

await useCluster(process.env[clusterSetting] ?? (await startCluster()).url);
watchAnswers();
