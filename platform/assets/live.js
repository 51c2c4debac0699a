"use strict";
// Pages work without this. It puts times into the reader's zone, and loads what is still being checked again.
(() => {
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
  const zoneOf = (date) => zone.formatToParts(date).find((part) => part.type === "timeZoneName").value;
  const times = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const date = new Date(element.dateTime);
      element.title = element.dateTime;
      element.textContent = `${local.format(date)} ${zoneOf(date)}`;
    }
  };
  times(document);
  document.querySelector(".errors")?.focus();

  const again = async () => {
    const main = document.querySelector("main[data-live]");
    if (!main) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.ok && !document.hidden) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.querySelector("main");
        times(next);
        // Only what differs is replaced, so that focus stays and a screen reader hears the state alone.
        if (!next.hasAttribute("data-live")) {
          main.replaceWith(next);
        } else {
          const [from, to] = [main, next].map((root) => root.querySelector("[aria-live]"));
          if (from && to && from.innerHTML !== to.innerHTML) from.innerHTML = to.innerHTML;
          // Results come with the state, while attacks of the house still run.
          const below = (root, region) => [...root.children].slice([...root.children].indexOf(region) + 1);
          const [old, now] = [below(main, from), below(next, to)];
          if (from && to && old.map((one) => one.outerHTML).join() !== now.map((one) => one.outerHTML).join()) {
            for (const one of old) one.remove();
            main.append(...now);
          }
        }
      }
    } catch {
      // The server may be starting again.
    }
    setTimeout(again, Number(main.dataset.live));
  };
  setTimeout(again, 1000);
})();
