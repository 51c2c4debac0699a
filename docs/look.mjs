// See `look`.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// One of each kind: prose, pictures, commands, wide tables, what is made of the code, what stands beside it; and every notebook.
const KINDS = ["index", "tutorial", "howto/defence-python", "howto/engineer", "method", "reference/commands", "reference/scores", "numbers/attacks", "rooms/captures"];
const beside = createRequire(join(dirname(fileURLToPath(import.meta.url)), "../report/axe/package.json"));
const axe = readFileSync(beside.resolve("axe-core/axe.min.js"), "utf8");
const { default: puppeteer } = await import(pathToFileURL(beside.resolve("puppeteer-core")).href);
const [book, pictures] = process.argv.slice(2);
const notebooks = readdirSync(join(book, "notebooks")).filter((name) => name.endsWith(".html"));
if (notebooks.length === 0) throw new Error("no notebook is in the book: notebooks/check --into docs/src/notebooks, then docs/check");
const PAGES = [...KINDS, ...notebooks.map((name) => `notebooks/${name.replace(".html", "")}`)];
// A sheet of A4 within margins of 15 mm, at 96 pixels an inch.
const PAPER = 680;
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
      if (pictures) await tab.screenshot({ path: join(pictures, `${page.replace("/", "_")}-${scheme}-${name}.png`), fullPage: true });
      await tab.close();
    }
  }
  const paper = await browser.newPage();
  await paper.emulateMediaType("print");
  await paper.setViewport({ width: PAPER, height: 960 });
  await paper.goto(pathToFileURL(file).href, { waitUntil: "load", timeout: 300_000 });
  const cut = await paper.evaluate(onPaper);
  for (const one of cut) fail(`${page}, on paper: cut off at the margin: ${one}`);
  if (pictures) await paper.pdf({ path: join(pictures, `${page.replace("/", "_")}.pdf`), format: "A4", margin: { top: "15mm", bottom: "15mm", left: "15mm", right: "15mm" }, printBackground: true });
  await paper.close();
  console.log(`${page}: looked at`);
}
await browser.close();

// What of a page does not fit a sheet: nothing can be scrolled there. A line of code or a table that is wider is cut off.
function onPaper() {
  const seen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const wide = [...document.querySelectorAll("main img, main svg, main pre, main table, main p, main li")].filter(seen);
  return wide.filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 || element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => `${element.tagName.toLowerCase()}: ${(element.textContent || element.src || "").trim().slice(0, 90)}`);
}
process.exit(failed ? 1 : 0);
