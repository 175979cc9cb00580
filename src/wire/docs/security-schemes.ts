/** The ways in which a socket is signed in. */
export const securitySchemes = {
  token: {
    type: "httpApiKey",
    in: "query",
    name: "token",
    description:
      "`/ws?token=` with the `access_token` of `POST /api/auth/login`, a JWT. Frames then come in the merged form, which " +
      "`&frames=flat` turns off.",
  },
  ticket: {
    type: "httpApiKey",
    in: "query",
    name: "token",
    description:
      "`/ws?token=` with the `ticket` of `POST /api/auth/ws-ticket`: good for one socket, for 30 s. No access token " +
      "stands in an address then, where logs and histories keep it.",
  },
  auth_frame: {
    type: "apiKey",
    in: "password",
    description:
      "No token in the address: the first frame is `auth` with an access token or a ticket, within 5 s.",
  },
} as const;
