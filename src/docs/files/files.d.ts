// What an import `with { type: "file" }` is: the file's path, which a compiled server has inside.
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
