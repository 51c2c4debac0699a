// See `look`.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// One of each kind: prose, pictures, commands, wide tables, what is made of the code, what stands beside it.
const PAGES = ["index", "tutorial", "howto/defence-python", "howto/engineer", "method", "reference/commands", "reference/scores", "numbers/attacks", "rooms/captures"];
const beside = createRequire(join(dirname(fileURLToPath(import.meta.url)), "../report/axe/package.json"));
const axe = readFileSync(beside.resolve("axe-core/axe.min.js"), "utf8");
const { default: puppeteer } = await import(pathToFileURL(beside.resolve("puppeteer-core")).href);
const [book, pictures] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"], protocolTimeout: 600_000 });
let failed = 0;
const fail = (text) => {
  failed += 1;
  console.log(text);
};
for (const page of PAGES) {
  const file = resolve(book, `${page}.html`);
  if (!existsSync(file)) {
    fail(`${page}: not built`);
    continue;
  }
  for (const scheme of ["light", "dark"]) {
    for (const [name, width] of [["wide", 1300], ["phone", 360]]) {
      const tab = await browser.newPage();
      await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await tab.setViewport({ width, height: 900 });
      tab.on("request", (request) => {
        if (!/^(file|data|blob):/.test(request.url())) fail(`${page} asks for ${request.url()}`);
      });
      await tab.goto(pathToFileURL(file).href, { waitUntil: "load", timeout: 300_000 });
      await tab.evaluate(axe);
      const found = await tab.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      for (const one of found.violations) {
        fail(`${page}, ${scheme}, ${name}: ${one.id} (${one.impact}): ${one.help}\n  ${one.nodes.length} places, such as ${one.nodes[0].html.slice(0, 200)}`);
      }
      const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) fail(`${page}, ${scheme}, ${name}: ${over} pixels wider than the window`);
      if (pictures) await tab.screenshot({ path: join(pictures, `${page.replace("/", "_")}-${scheme}-${name}.png`) });
      await tab.close();
    }
  }
  console.log(`${page}: looked at`);
}
await browser.close();
process.exit(failed ? 1 : 0);
