// Small repairs of the page that the framework does not offer; everything works without them.
(() => {
  const root = document.documentElement;
  const tidy = () => {
    document.body.classList.remove("dark"); // one light design, also for visitors in dark mode
    const chosen = document.querySelector("#language input:checked");
    if (chosen && root.lang !== chosen.value) root.lang = chosen.value;
    // The framework reads the message's HTML source out as its label; its text is there anyway.
    for (const e of document.querySelectorAll("[data-testid=bot][aria-label], [data-testid=user][aria-label]")) {
      e.removeAttribute("aria-label");
    }
  };
  new MutationObserver(tidy).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("change", tidy);
  document.addEventListener("click", async (event) => {
    const link = event.target.closest('a[href="/desk/logout"]');
    if (!link) return;
    event.preventDefault();
    await fetch(link.href, { method: "POST" });
    location.href = "/desk/login";
  });
  tidy();
})();
