// The server's own protocol (docs/protocol.md): every frame of a conversation in order, without a gap.
#define _GNU_SOURCE
#include "../load.h"
#include <stdio.h>
#include <string.h>

static void path(Conn *conn, char *to) { (void)conn; strcpy(to, "/v1/ws"); }

static void upgraded(Conn *conn) {
  conn->state = GREETING;
  write_frame(conn, TEXT, "{\"type\":\"hello\"}", 16);
}

static void ack(Conn *conn, const char *text, size_t bytes, int64_t now) {
  const char *id = AFTER(text, bytes, "\"id\":\"m"), *seq = AFTER(text, bytes, "\"seq\":");
  if (id == NULL || seq == NULL) die("not an ack: %.*s", (int)bytes, text);
  on_ack(conn, digits_at(id, text + bytes), digits_at(seq, text + bytes), bytes, now);
}

static void event(Conn *conn, const char *text, size_t bytes, int64_t now) {
  const char *at = AFTER(text, bytes, "\"seq\":");
  uint64_t seq = at == NULL ? 0 : digits_at(at, text + bytes);
  if (conn->seq != 0 && seq != conn->seq + 1) die("room %d: seq %lu after %lu", conn->room, seq, conn->seq);
  if (conn->seq != 0) conn->seq = seq;
  const char *content = AFTER(text, bytes, "\"content\":\"");
  if (content != NULL) on_content(conn, content, seq, bytes, now); // else somebody joined
}

static void frame(Conn *conn, int opcode, const char *text, size_t bytes, int64_t now) {
  if (opcode != TEXT || bytes < 16) die("room %d: opcode %d, %zu bytes", conn->room, opcode, bytes);
  switch (text[9] << 8 | text[10]) {
    case 'a' << 8 | 'c': ack(conn, text, bytes, now); return;
    case 'e' << 8 | 'v': event(conn, text, bytes, now); return;
    case 'p' << 8 | 'r': return; // presence
    case 'w' << 8 | 'e': {
      char join[128];
      write_frame(conn, TEXT, join, sprintf(join, "{\"type\":\"join\",\"id\":\"j\",\"conversation_id\":\"bench-%06d\",\"create\":true}", conn->name));
      conn->state = JOINING;
      return;
    }
    case 'j' << 8 | 'o': {
      const char *head = AFTER(text, bytes, "\"head_seq\":");
      conn->seq = head == NULL ? 0 : digits_at(head, text + bytes);
      if (conn->seq == 0) die("no head: %.*s", (int)bytes, text);
      return;
    }
    case 'l' << 8 | 'i': is_live(conn); return;
    default: die("room %d: %.*s", conn->room, bytes > 300 ? 300 : (int)bytes, text);
  }
}

static void make(Outgoing *frame) {
  put(frame, "{\"type\":\"send\",\"id\":\"m");
  frame->id = frame->length;
  put(frame, "0000000000\",\"conversation_id\":\"bench-");
  frame->room = frame->length;
  put(frame, "000000\",\"content\":\"");
  put_content(frame);
  put(frame, "\",\"key\":\"k");
  frame->key = frame->length;
  put(frame, "0000000000\"}");
  close_frame(frame, TEXT);
}

const Protocol colloquy = {"colloquy", path, upgraded, frame, make};
