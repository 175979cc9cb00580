// The example client of /docs/socket. A test runs it unchanged.
export const exampleClient = `// getToken: resolves to a valid access token
// show: { message(message), clear(), closed(why) }
function connect(base, getToken, chatId, show) {
  const messages = new Map(); // by id
  let position; // the number up to which all changes are known
  let isLoaded = false;
  let pauseMs = 500;

  async function open() {
    const ws = new WebSocket(\`\${base.replace("http", "ws")}/ws?token=\${await getToken()}\`);
    let live = false;
    ws.onopen = () => ws.send(JSON.stringify({ type: "join", chat_id: chatId, after_seq: position }));

    ws.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.chat_id !== chatId) return;
      const { type, message_id: id } = frame;
      if (type === "joined") {
        live = true;
        position = frame.last_seq;
        if (!frame.recovered) {
          messages.clear();
          show.clear();
          isLoaded = false;
        }
        if (isLoaded) pauseMs = 500;
        else load(ws);
      } else if (type === "message" || type === "message_updated") {
        set({ ...frame, id });
      } else if (type === "bot_stream") {
        const known = messages.get(id);
        const text = (known?.content ?? "").slice(0, frame.offset) + frame.chunk;
        set({
          id,
          seq: frame.seq ?? known?.seq,
          username: "Gemini",
          content: frame.full_response ?? text,
          status: frame.status ?? "streaming",
        });
      } else if (type === "error" && frame.code !== "not_found") {
        ws.close(4000); // join again after a pause
      } else if (["error", "removed_from_chat", "chat_deleted"].includes(type)) {
        ws.onclose = null;
        ws.close(1000);
        show.closed(frame.detail ?? frame.notification);
      }
      // During a replay the position stays: all messages in between are known only after \`joined\`.
      const number = frame.updated_seq ?? frame.seq;
      if (live && number > position) position = number;
    };

    ws.onclose = ({ code, reason }) => {
      const mayReturn = /^(token_expired|flood)/.test(reason) || ![1000, 1008, 1009].includes(code);
      if (mayReturn) retry();
      else show.closed(reason || \`code \${code}\`);
    };
  }

  function retry() {
    setTimeout(() => open().catch(retry), pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, 30_000);
  }

  // After the first join, or when too far behind: load the messages over HTTP.
  async function load(ws) {
    try {
      const response = await fetch(\`\${base}/api/chats/\${chatId}/messages?limit=50\`, {
        headers: { Authorization: \`Bearer \${await getToken()}\` },
      });
      if (!response.ok) throw new Error(\`HTTP \${response.status}\`);
      const page = await response.json();
      if (ws.readyState !== WebSocket.OPEN) return;
      // Live frames are newer than the page.
      for (const message of page) set({ ...message, ...messages.get(message.id), seq: message.seq });
      isLoaded = true;
      pauseMs = 500;
    } catch {
      ws.close(4000); // reconnect after a pause, and load again
    }
  }

  function set(message) {
    messages.set(message.id, message);
    // The \`seq\` of an answer that was running at the first join arrives with the loaded page.
    if (message.seq) show.message(message);
  }

  open().catch(retry);
}`;
