// Preloaded into a server: at its end it says which packages of metrics and traces it has loaded.
process.on("exit", () => {
  const paths = Object.keys(require.cache).map((path) =>
    /node_modules\/(@opentelemetry\/[^/]+|prom-client)\//.exec(path)?.at(1),
  );
  const names = new Set(paths.filter((name) => name !== undefined));
  console.log(`loaded ${JSON.stringify([...names].toSorted())}`);
});
