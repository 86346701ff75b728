// Small repairs of the page that the framework does not offer; everything works without them.
(() => {
  const root = document.documentElement;
  const tidy = () => {
    document.body.classList.remove("dark"); // one light design, also for visitors in dark mode
    for (const e of document.querySelectorAll(".day input[type=text]")) e.type = "date"; // a calendar
    const hidden = document.querySelector("#who .account")?.className.match(/hide-[\w-]+/g) ?? [];
    for (const name of hidden) { // tabs that are not for this role; the server refuses them anyway
      for (const e of document.querySelectorAll(`[data-tab-id="${name.slice(5)}"]`)) e.style.display = "none";
    }
    const asked = document.querySelector("#question textarea"); // stays as tall as what was sent
    if (asked && !asked.value && asked.style.height) asked.style.height = "";
    const chosen = document.querySelector("#language input:checked");
    if (chosen && root.lang !== chosen.value) root.lang = chosen.value;
    // The framework reads the message's HTML source out as its label; its text is there anyway.
    for (const e of document.querySelectorAll("[data-testid=bot][aria-label], [data-testid=user][aria-label]")) {
      e.removeAttribute("aria-label");
    }
  };
  let title = ""; // of the page, without how many customers wait
  const count = () => {
    const waiting = document.querySelector(".waiting-count")?.textContent.match(/\d+/)?.[0];
    title = document.title.replace(/^\(\d+\) /, "") || title;
    const wanted = waiting ? `(${waiting}) ${title}` : title;
    if (document.querySelector("#badge") && document.title !== wanted) document.title = wanted;
  };
  let marked = ""; // the passage that was selected last
  const mark = () => { // the place in a text that somebody came to edit
    const place = document.querySelector("#editor-place .place")?.className ?? "";
    const area = document.querySelector("#editor-text textarea");
    const [start, end] = ["at", "to"].map((name) => Number(place.match(`${name}-(\\d+)`)?.[1] ?? 0));
    if (place === marked || (end && !(area?.offsetParent && area.value.length >= end))) return;
    marked = place;
    if (!end) return;
    const text = area.value;
    area.value = text.slice(0, start); // how far down that is, wrapped lines counted
    const down = area.scrollHeight;
    area.value = text;
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, end);
    area.scrollTop = down - area.clientHeight / 2;
    // What else the answer changes is laid out by the next frame but one.
    requestAnimationFrame(() => requestAnimationFrame(() => area.scrollIntoView({ block: "center" })));
  };
  new MutationObserver(mark).observe(document.body, { childList: true, subtree: true, attributes: true });
  new MutationObserver(count).observe(document.body, { childList: true, subtree: true, characterData: true });
  new MutationObserver(tidy).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("change", tidy);
  document.addEventListener("click", (event) => { // half a date would be read as none
    const half = event.target.closest?.("#save-dates") && document.querySelector(".day input:invalid");
    if (!half) return;
    event.stopImmediatePropagation();
    half.reportValidity();
  }, true);
  document.addEventListener("click", async (event) => {
    const link = event.target.closest('a[href="/desk/logout"]');
    if (!link) return;
    event.preventDefault();
    await fetch(link.href, { method: "POST" });
    location.href = "/desk/login";
  });
  tidy();

  // The framework waits for ever on a stream of results that ended early or fell silent. Told that
  // it broke, the page says so and loads itself again; without a call in progress it opens another.
  const SILENCE = 90_000; // ms; the server says something every 15 s
  const BROKEN = '\n\ndata: {"msg":"broken_connection"}\n\ndata: {"msg":"close_stream"}\n\n';
  const watched = (body) => {
    const reader = body.getReader();
    const next = () => {
      let timer;
      const silence = new Promise((done) => { timer = setTimeout(done, SILENCE, { done: true }); });
      return Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
    };
    return new ReadableStream({
      async pull(stream) {
        const { done, value } = await next().catch(() => ({ done: true }));
        if (!done) return stream.enqueue(value);
        stream.enqueue(new TextEncoder().encode(BROKEN)); // unread after a proper end
        stream.close();
      },
      cancel: (reason) => reader.cancel(reason),
    });
  };
  const call = window.fetch;
  window.fetch = async (...request) => {
    const answer = await call(...request);
    const staff = location.pathname.startsWith("/desk") && !location.pathname.startsWith("/desk/login");
    if (answer.status === 401 && staff) location.href = "/desk/login"; // the session is over
    const results = String(request[0].url ?? request[0]).includes("/queue/data?");
    return results && answer.ok ? new Response(watched(answer.body), answer) : answer;
  };
})();
