/** The few pages that there are without a web interface. The headers forbid any script or style that stands in a page. */

export const LOGIN_PAGE = page(`
      <p id="said">Run <code>makima open</code>: it gives you a link that logs this browser in.</p>
      <noscript><p>Logging in needs JavaScript.</p></noscript>`);

export const HOME_PAGE = page(`
      <p id="said">makima is running, and this browser is logged in. <code>makima --help</code> says what you can do.</p>
      <button id="log-out">Log out</button>`);

/**
 * Posts the code of the link that led here, which stands behind its \`#\`; or logs out. The code is taken out of the
 * address first, so that it does not stay in the browser's history.
 */
export const PAGE_SCRIPT = `"use strict";

const said = document.getElementById("said");
const code = location.hash.slice(1);

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.ok) return true;
  const { error } = await response.json();
  said.textContent = error.message + ". " + error.hint;
  return false;
}

if (location.pathname === "/login" && code !== "") {
  history.replaceState(null, "", location.pathname);
  said.textContent = "Logging in ...";
  post("/login", { code }).then((done) => done && location.replace("/"));
}

document.getElementById("log-out")?.addEventListener("click", () => {
  post("/logout", {}).then((done) => done && location.replace("/login"));
});
`;

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>makima</title>
    <script src="/page.js" defer></script>
  </head>
  <body>
    <main>
      <h1>makima</h1>${body}
    </main>
  </body>
</html>
`;
}
