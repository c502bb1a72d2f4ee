# Guests are let in by default, so publish the port on loopback unless a proxy with access rules
# stands in front:
#   docker build -t colloquy . && docker run --init -p 127.0.0.1:8080:8080 -v colloquy:/data colloquy

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node node_modules/vite/bin/vite.js build src/web --outDir /app/dist/web --emptyOutDir \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
WORKDIR /app
# Inside the container the port is only as public as `-p` makes it.
ENV NODE_ENV=production COLLOQUY_HOST=0.0.0.0 COLLOQUY_PORT=8080 COLLOQUY_STORE=sqlite:/data/colloquy.db
# Each of V8's threads would get a heap of malloc's own: 20 MB for nothing.
ENV MALLOC_ARENA_MAX=2
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY src src
COPY actors actors
COPY machines machines
COPY storage storage
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: the server itself gets the SIGTERM of `docker stop`.
CMD ["node", "src/cli/main.ts", "serve"]
