// What a click does on the page: a mark opens its source, a suggestion is asked, an entry is copied.
// Runs once at load. Everything is read from attributes that the program escaped; nothing is made of HTML here.
() => {
  const field = () => document.querySelector("#chat textarea");

  const fill = (text) => {
    const box = field();
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
    box.scrollIntoView({ block: "nearest" });
  };

  const ask = (text) => {
    fill(text);
    // The page has to take the text over before it is sent.
    setTimeout(() => document.querySelector("#chat .submit-button")?.click(), 50);
  };

  const showSource = (ref) => {
    const places = [...document.querySelectorAll("#sources [data-ref], #sources q[id]")].filter(
      (each) => each.dataset.ref === ref || each.id === ref,
    );
    if (!places.length) return;
    const section = places[0].closest("section");
    document.querySelectorAll("#sources section").forEach((each) => each.classList.toggle("shown", each === section));
    document.querySelectorAll("#sources .lit").forEach((each) => each.classList.remove("lit"));
    places.forEach((each) => each.classList.add("lit"));
    const paper = places[0].closest("details");
    paper.open = true;
    places.at(-1).scrollIntoView({ block: "center" });
    paper.querySelector("summary").focus({ preventScroll: true });
  };

  const editSearched = (link) => {
    const words = link.parentElement.querySelector("em");
    const form = document.createElement("form");
    const input = document.createElement("input");
    const send = document.createElement("button");
    form.className = "searched";
    input.value = words.textContent.replace(/^Searched for:\s*/, "");
    input.setAttribute("aria-label", "What is searched for");
    send.textContent = "Ask this instead";
    form.append(input, send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.remove();
      if (input.value.trim()) ask(input.value);
    });
    link.parentElement.querySelector("form")?.remove();
    link.parentElement.append(form);
    input.focus();
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
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  };

  window.chatbotDownload = (text, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
    link.download = `${name.replace(/[^\p{L}\p{N} -]/gu, "").trim() || "conversation"}.md`;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("#answers a[href^='#']");
      if (link) {
        event.preventDefault();
        event.stopPropagation();
        const target = link.getAttribute("href").slice(1);
        if (target === "searched") editSearched(link);
        else showSource(target);
        return;
      }
      const button = event.target.closest?.("#sources button, #follow-ups button");
      if (button?.dataset.ask) ask(button.dataset.ask);
      else if (button?.dataset.fill) fill(button.dataset.fill);
      else if (button?.dataset.copy) copy(button);
    },
    true,
  );
}
