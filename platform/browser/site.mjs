// The server as a process, and what people do on its pages.
import { spawn, execFileSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const PASSWORD = "correct horse battery";
/// How long something may take on a slow and busy machine before it is taken for lost.
export const PATIENCE = 180_000;

export class Site {
  constructor(program, folder) {
    this.program = program;
    this.data = join(folder, "data");
    this.log = join(folder, "server.log");
  }

  /// Runs the program to its end; what it says.
  tell(...args) {
    return execFileSync(this.program, args, { encoding: "utf8" });
  }

  async start() {
    this.process = spawn(
      this.program,
      ["serve", "--data", this.data, "--listen", "127.0.0.1:0", "--registration", "open"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.process.stderr.on("data", (bytes) => appendFileSync(this.log, bytes));
    for await (const line of createInterface({ input: this.process.stdout })) {
      const url = line.match(/^(http:\S+)/);
      if (url) return (this.url = url[1]);
    }
    throw new Error(`the server does not start: ${readFileSync(this.log, "utf8")}`);
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }

  /// Every page: path and who may ask for it.
  pages() {
    const lines = this.tell("routes").trim().split("\n").map((line) => line.split(/\s+/));
    return lines.filter(([method]) => method === "GET").map(([, need, path]) => ({ need, path }));
  }
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

/// The text of what a page shows.
export const text = (page) => page.locator("main").innerText();

export async function shows(page, ...words) {
  const shown = await text(page);
  for (const word of words) check(shown.includes(word), `${page.url()} does not show "${word}" but:\n${shown}`);
}

/// Fills a form by the names of its fields and sends it by its button.
export async function send(page, action, fields, files = {}) {
  const form = page.locator(`form[action="${action}"]`);
  for (const [name, value] of Object.entries(fields)) {
    const field = form.locator(`[name="${name}"]`);
    if ((await field.evaluate((element) => element.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  for (const [name, file] of Object.entries(files)) await form.locator(`[name="${name}"]`).setInputFiles(file);
  await Promise.all([page.waitForEvent("load", { timeout: PATIENCE }), form.locator("button").click()]);
}

/// Loads a page again until it shows something.
export async function until(page, path, word) {
  const begun = Date.now();
  for (;;) {
    await page.goto(path);
    const shown = await text(page);
    if (shown.includes(word)) return shown;
    check(Date.now() - begun < PATIENCE, `${path} never shows "${word}" but:\n${shown}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/// Uploads a file on the page of a phase, and waits until it is checked; the path of the submission.
export async function upload(page, round, kind, file, expected = "done") {
  await page.goto(`/rounds/${round}/${kind}`);
  await send(page, `/rounds/${round}/${kind}`, {}, { file });
  const place = new URL(page.url()).pathname;
  check(place.startsWith("/submissions/"), `the ${kind} was not taken: ${await text(page)}`);
  const begun = Date.now();
  // With scripts the page follows by itself; without, its reader looks again.
  for (;;) {
    const state = await page.locator(".lead .pill").first().innerText();
    if (state.toLowerCase() === expected) return place;
    check(["queued", "running"].includes(state.toLowerCase()), `the ${kind} is ${state}: ${await text(page)}`);
    check(Date.now() - begun < PATIENCE, `the ${kind} is never checked: ${await text(page)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (!page.scripts) await page.reload();
  }
}

/// A click that downloads; the file.
export async function download(page, link, place) {
  const [file] = await Promise.all([page.waitForEvent("download", { timeout: PATIENCE }), link.click()]);
  await file.saveAs(place);
  return place;
}

export const minutes = (from) => new Date(Date.now() + from * 60_000).toISOString().slice(0, 16);
