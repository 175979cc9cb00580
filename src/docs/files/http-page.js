// Starts Swagger UI in the colours of the reader's system.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

/**
 * Swagger UI resolves the references of the security schemes before it shows anything, which takes seconds for a document of this
 * size. The schemes have none.
 */
const withoutSecuritySchemes = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        requestResolvedSubtree: (request) => (path) =>
          path.join() === "components,securitySchemes" ? undefined : request(path),
      },
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // By default, Swagger UI sends the document's URL to its maker's validator.
  validatorUrl: "none",
  plugins: [withoutSecuritySchemes],
});
