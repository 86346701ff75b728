// The chat on any website: <script src="https://YOUR-SERVER/widget.js" defer></script>
// data-color, data-greeting, data-title, data-language, data-side, data-collection, data-user,
// data-user-hash. From your page: Zhike.open(), Zhike.close(), Zhike.ask("…"); a link to
// #zhike=QUESTION, or data-zhike-ask="QUESTION" on any element, opens the chat and asks.
(() => {
  "use strict";
  const tag = document.currentScript;
  if (!tag || window.Zhike) return;
  const home = new URL(tag.src).origin;
  const option = { ...tag.dataset };
  const language = option.language || document.documentElement.lang || navigator.language || "en";
  const chinese = /^zh/i.test(language);
  const hant = /hant|tw|hk|mo/i.test(language);
  const word = chinese
    ? { open: hant ? "開啟對話" : "打开对话", close: hant ? "關閉對話" : "关闭对话", title: hant ? "線上客服" : "在线客服" }
    : { open: "Open the chat", close: "Close the chat", title: "Chat" };
  const color = /^#[0-9a-f]{6}$/i.test(option.color || "") ? option.color : "#0f6b62";
  const side = option.side === "left" ? "left" : "right";
  const waiting = []; // questions until the frame is ready
  let frame, ready = false, shown = false;

  // Black or white, whichever has the higher contrast on the colour (WCAG 2.2, relative luminance).
  const channel = (n) => { const c = n / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const [r, g, b] = [1, 3, 5].map((i) => channel(parseInt(color.slice(i, i + 2), 16)));
  const ink = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";

  const host = document.createElement("div");
  host.id = "zhike-widget";
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet(); // also where the site's policy forbids style elements
  style.replaceSync(`
    :host { all: initial; }
    button { position: fixed; bottom: 20px; ${side}: 20px; width: 58px; height: 58px; border: 0; border-radius: 50%; cursor: pointer;
      background: ${color}; color: ${ink}; box-shadow: 0 6px 22px rgba(0, 0, 0, .25); z-index: 2147483000; }
    button:focus-visible { outline: 3px solid ${color}; outline-offset: 3px; }
    button svg { width: 28px; height: 28px; display: block; margin: auto; }
    iframe { position: fixed; bottom: 90px; ${side}: 20px; width: 384px; height: min(640px, calc(100vh - 110px)); border: 0; border-radius: 18px;
      box-shadow: 0 18px 60px rgba(0, 0, 0, .28); z-index: 2147483001; background: #fff; color-scheme: light dark; }
    iframe[hidden] { display: none; }
    @media (prefers-color-scheme: dark) { iframe { background: #161c1a; } }
    @media (max-width: 480px) { iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; } }`);
  root.adoptedStyleSheets = [style];
  const button = document.createElement("button");
  button.type = "button";
  button.append(picture());
  root.append(button);

  function picture() {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg"), path = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M12 3C6.5 3 2 6.8 2 11.4c0 2.7 1.5 5 3.8 6.6L5 21.5l4-2c1 .2 2 .3 3 .3 5.5 0 10-3.8 10-8.4S17.5 3 12 3z");
    path.setAttribute("fill", "currentColor");
    svg.append(path);
    return svg;
  }

  function send(message) { frame.contentWindow.postMessage({ zhike: message }, home); }

  function build() {
    frame = document.createElement("iframe");
    frame.title = option.title || word.title;
    frame.allow = "clipboard-write";
    frame.src = `${home}/widget`;
    root.append(frame);
  }

  function show(wanted) {
    if (!frame) build();
    shown = wanted;
    frame.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    button.setAttribute("aria-label", wanted ? word.close : word.open);
    if (wanted && ready) send({ kind: "shown" });
    if (!wanted) button.focus();
  }

  function ask(question) {
    const text = String(question ?? "").trim();
    show(true);
    if (!text) return;
    if (ready) send({ kind: "ask", text });
    else waiting.push(text);
  }

  function linked() {
    const found = /^#zhike(?:=(.*))?$/.exec(location.hash);
    if (!found) return;
    let text = "";
    try { text = decodeURIComponent((found[1] || "").replace(/\+/g, " ")); } catch { /* no text then */ }
    history.replaceState(null, "", location.pathname + location.search); // once, not at each reload
    ask(text);
  }

  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== home) return;
    const said = event.data && event.data.zhike;
    if (said === "ready") {
      ready = true;
      const { greeting, title, collection, user, userHash } = option;
      send({ kind: "settings", color, ink, greeting, title, language: option.language, collection, user, userHash, questions: waiting.splice(0) });
    } else if (said === "close") show(false);
  });
  button.addEventListener("click", () => show(!shown));
  document.addEventListener("click", (event) => {
    const element = event.target.closest && event.target.closest("[data-zhike-ask]");
    if (element) { event.preventDefault(); ask(element.dataset.zhikeAsk); }
  });
  window.addEventListener("hashchange", linked);
  const begin = () => { document.body.append(host); linked(); };
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", word.open);
  window.Zhike = Object.freeze({ open: () => show(true), close: () => show(false), ask });
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
