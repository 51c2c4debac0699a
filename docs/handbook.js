// What scrolls can be reached by keys; mdBook's buttons that are labels say that they are buttons.
for (const scrolls of document.querySelectorAll("pre > code, .table-wrapper")) scrolls.tabIndex = 0;
document.getElementById("mdbook-sidebar-toggle")?.setAttribute("role", "button");
for (const named of document.querySelectorAll("div[aria-label]:not([role])")) named.setAttribute("role", "group");
