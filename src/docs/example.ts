// The client on /docs/socket. A test runs it as it stands there.
export const exampleClient = `function connect(base, token, chatId, show) {
  let position; // the room's number up to which everything is known
  let pauseMs = 500;
  const texts = new Map(); // message_id → text

  function open() {
    const ws = new WebSocket(\`\${base.replace("http", "ws")}/ws?token=\${token}\`);
    let live = false;
    ws.onopen = () => ws.send(JSON.stringify({ type: "join", chat_id: chatId, after_seq: position }));

    ws.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.chat_id !== chatId) return;
      if (frame.type === "joined") {
        live = true;
        pauseMs = 500;
        position = frame.last_seq;
        if (!frame.recovered) texts.clear();
        // At first, or too far behind: the messages come over HTTP.
        if (texts.size === 0) load();
      } else if (frame.type === "message" || frame.type === "message_updated") {
        set(frame.message_id, frame.content, frame.status);
      } else if (frame.type === "bot_stream") {
        const before = (texts.get(frame.message_id) ?? "").slice(0, frame.offset);
        const text = frame.is_complete ? frame.full_response : before + frame.chunk;
        set(frame.message_id, text, frame.status ?? "streaming");
      }
      // Not while missed messages come: what is in between is known only once \`joined\` has come.
      const number = frame.updated_seq ?? frame.seq;
      if (live && number > position) position = number;
    };

    ws.onclose = ({ code, reason }) => {
      if (code === 1000 || code === 1009 || code === 1008) return show.closed(code, reason);
      setTimeout(open, pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(pauseMs * 2, 30_000);
    };
  }

  async function load() {
    const response = await fetch(\`\${base}/api/chats/\${chatId}/messages?limit=50\`, {
      headers: { Authorization: \`Bearer \${token}\` },
    });
    for (const message of await response.json()) {
      // What came live meanwhile is newer.
      if (!texts.has(message.id)) set(message.id, message.content, message.status);
    }
  }

  function set(id, text, status) {
    texts.set(id, text);
    show.message(id, text, status);
  }

  open();
}`;
