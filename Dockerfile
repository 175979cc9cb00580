# The server with the packages of production. It needs a PostgreSQL: set DATABASE_URL, and SECRET_KEY in production.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
COPY package.json bun.lock ./
COPY db/patches db/patches
RUN bun install --frozen-lockfile --production

FROM oven/bun:1.4.5-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
# A named volume that is mounted there takes over the owner.
RUN install -d -o bun -g bun -m 0700 /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY db db
COPY src src
USER bun
EXPOSE 8000
# The image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/health`)).ok ? 0 : 1)"]
CMD ["bun", "src/main.ts"]
