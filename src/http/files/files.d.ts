// An import `with { type: "file" }` yields the file's path. A compiled server embeds the file.
declare module "*/service-worker.js" {
  const path: string;
  export default path;
}
declare module "*.webmanifest" {
  const path: string;
  export default path;
}
