// An import `with { type: "file" }` yields the file's path. A compiled server embeds the file.
declare module "*.css" {
  const path: string;
  export default path;
}
declare module "*/http-page.js" {
  const path: string;
  export default path;
}
declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const path: string;
  export default path;
}
declare module "*.png" {
  const path: string;
  export default path;
}
