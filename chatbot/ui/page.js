// What a click does on the page: a mark opens its source, a suggestion is asked, an entry is copied.
// Runs once at load. Everything is read from attributes that the program escaped; nothing is made of HTML here.
() => {
  const field = () => document.querySelector("#chat textarea");

  const put = (box, text) => {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value").set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const fill = (text) => {
    const box = field();
    put(box, text);
    box.focus();
    box.scrollIntoView({ block: "nearest" });
  };

  const ask = (text) => {
    fill(text);
    // The page has to take the text over before it is sent.
    setTimeout(() => document.querySelector("#chat .submit-button")?.click(), 50);
  };

  const show = (section) =>
    section
      .closest(".sources")
      .querySelectorAll("section")
      .forEach((each) => each.classList.toggle("shown", each === section));

  let current = ""; // the citation that is shown

  const showSource = (ref) => {
    const places = [...document.querySelectorAll(".sources [data-ref], .sources q[id]")].filter(
      (each) => each.dataset.ref === ref || each.id === ref,
    );
    if (!places.length) return;
    show(places[0].closest("section"));
    document.querySelectorAll(".sources .lit").forEach((each) => each.classList.remove("lit"));
    places.forEach((each) => each.classList.add("lit"));
    current = ref;
    const paper = places[0].closest("details");
    paper.open = true;
    places.at(-1).scrollIntoView({ block: "center" });
    paper.querySelector("summary").focus({ preventScroll: true });
  };

  const editSearched = (place) => {
    const section = document.querySelector(`#sources section[data-place="${place}"]`);
    if (!section) return;
    show(section);
    section.querySelector(".why").open = true;
    section.querySelector(".again input").focus();
  };

  // A form of the panel: ask what it holds, or ask the server why a paper is missing.
  let sent = 0;
  const submit = (form) => {
    const text = form.querySelector("input").value;
    if (!text.trim()) return;
    if (form.matches(".again")) return ask(text);
    form.querySelector("output").textContent = "…";
    const question = { place: Number(form.dataset.place), name: text, number: (sent += 1) };
    put(document.querySelector("#why-asked textarea"), JSON.stringify(question));
  };

  window.chatbotTell = (told) => {
    const answer = JSON.parse(told);
    const output = document.querySelector(`.why-not[data-place="${answer.place}"] output`);
    output.textContent = answer.told;
    output.scrollIntoView({ block: "nearest" });
  };

  const confirm = (button, word) => {
    const label = button.textContent;
    button.textContent = word;
    setTimeout(() => (button.textContent = label), 1500);
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without HTTPS there is no clipboard; the text to be copied is put before the user.
      const box = document.createElement("textarea");
      box.value = text;
      box.readOnly = true;
      box.setAttribute("aria-label", "BibTeX");
      button.after(box);
      box.select();
      return;
    }
    confirm(button, "Copied");
  };

  window.chatbotDownload = (text, name, suffix = "md") => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = `${name.replace(/[^\p{L}\p{N} -]/gu, "").trim() || "conversation"}.${suffix}`;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  // On a phone the list covers the page; what was chosen in it is what the reader wants to see.
  const leaveList = () => {
    if (innerWidth > 768) return;
    document.querySelector("#threads .toggle-button")?.click();
    document.querySelector("#answers").scrollIntoView();
  };

  // From a mark, or from its source: to the one before or after it in the same answer.
  const step = (event) => {
    const from = event.target.closest("#answers a, #grid a, #grid-notes a")?.getAttribute("href").slice(1);
    const ref = from ?? (event.target.closest(".sources") ? current : "");
    if (!ref.startsWith("ref-")) return;
    const [, place] = ref.split("-");
    const all = document.querySelectorAll(`.sources [data-ref^="ref-${place}-"], .sources q[id^="ref-${place}-"]`);
    const numbers = [...new Set([...all].map((each) => Number((each.dataset.ref ?? each.id).split("-")[2])))];
    numbers.sort((one, other) => one - other);
    const at = numbers.indexOf(Number(ref.split("-")[2])) + (event.key === "ArrowRight" ? 1 : -1);
    if (!(at in numbers)) return;
    event.preventDefault();
    showSource(`ref-${place}-${numbers[at]}`);
  };

  // Closes what was opened last, and goes back to where it was opened from.
  const close = (target) => {
    const folded = target.closest(".why[open]");
    if (folded) {
      folded.open = false;
      folded.querySelector("summary").focus();
    } else if (document.querySelector("#threads .sidebar-content")?.contains(target)) {
      document.querySelector("#threads .toggle-button").click();
      document.querySelector("#threads .toggle-button").focus();
    } else if (current) {
      document.querySelectorAll(".sources .lit").forEach((each) => each.classList.remove("lit"));
      document.querySelector(`#tabs a[href="#${current}"]`)?.focus();
      current = "";
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector("#tabs [role=tab]").click();
      field().focus();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") step(event);
  });

  // The library learns which papers of the page that is shown are ticked.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("#shelf input")) return;
    const boxes = [...document.querySelectorAll("#shelf td input")];
    if (event.target.closest("th")) boxes.forEach((box) => (box.checked = event.target.checked));
    const names = (some) => some.map((box) => box.value);
    const ticked = { shown: names(boxes), ticked: names(boxes.filter((box) => box.checked)), number: (sent += 1) };
    put(document.querySelector("#ticked textarea"), JSON.stringify(ticked));
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#sources form")) return;
    event.preventDefault();
    submit(event.target);
  });

  document.addEventListener(
    "click",
    (event) => {
      const cell = event.target.closest?.("#grid td[title]");
      const link = cell?.querySelector("a") ?? event.target.closest?.("#answers a[href^='#'], #grid-notes a[href^='#']");
      if (link) {
        event.preventDefault();
        event.stopPropagation();
        const target = link.getAttribute("href").slice(1);
        if (target === "ask") ask(link.textContent);
        else if (target.startsWith("searched-")) editSearched(target.slice("searched-".length));
        else showSource(target);
        return;
      }
      if (event.target.closest?.("#new-thread, #thread-list input")) leaveList();
      const button = event.target.closest?.(".sources button, #follow-ups button, #values button");
      if (button?.dataset.ask) ask(button.dataset.ask);
      else if (button?.dataset.fill) {
        document.querySelector("#tabs [role=tab]").click();
        fill(button.dataset.fill);
      } else if (button?.dataset.filter) {
        const box = document.querySelector("#filter textarea, #filter input");
        put(box, box.value.trim() ? `(${box.value}) and ${button.dataset.filter}` : button.dataset.filter);
      } else if (button?.dataset.copy) copy(button);
      else if (button?.dataset.compare) {
        put(document.querySelector("#to-compare textarea"), button.dataset.compare);
        confirm(button, "Added");
      }
    },
    true,
  );
}
