// What the load client and its protocols share. Protocols own the bytes; the client owns sockets, time and counting.
#ifndef LOAD_H
#define LOAD_H
#include <stdint.h>
#include <stdlib.h>

enum { FRAME_BYTES = 1 << 16, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

typedef enum { IDLE, UPGRADING, GREETING, JOINING, LIVE, GONE } State;
typedef struct {
  int fd, room, person;
  int name;         // the number that its room goes by
  State state;
  char *rest;       // an incomplete frame, until the next read
  size_t rest_bytes;
  uint64_t seq;     // of the last event
} Conn;

// The frame that is sent, made once: a message only puts digits into it. Offsets are into `bytes`; 0: not there.
typedef struct {
  char bytes[FRAME_BYTES];
  size_t length;
  size_t id, room, time, number, key; // digits: 10, 6, 19, 10, 10
  size_t little_endian_id;            // four bytes
} Outgoing;

typedef struct {
  const char *name;
  // Path and query of the upgrade; may ask the server for it first.
  void (*path)(Conn *conn, char *path);
  void (*upgraded)(Conn *conn);
  void (*frame)(Conn *conn, int opcode, const char *bytes, size_t length, int64_t now);
  void (*make)(Outgoing *frame);
} Protocol;

extern const Protocol colloquy, relay, socket_io, colyseus;
extern int port, content_bytes;

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

// What is put comes behind what is there.
void put(Outgoing *frame, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_bytes(Outgoing *frame, const void *bytes, size_t length);
// As many bytes of content, with a place for when it was sent and its number.
void put_content(Outgoing *frame);
// The header of the WebSocket frame.
void close_frame(Outgoing *frame, int opcode);
void make_frame(const Protocol *of, Outgoing *frame);
// Length of a payload that is to be as long as Colloquy's.
size_t common_length(void);

void write_frame(Conn *conn, int opcode, const char *payload, size_t bytes);
void is_live(Conn *conn);
// The sender's `ack` came, or an event: message `number` of the room, under `seq` where there is one (else 1).
void on_ack(Conn *conn, uint64_t number, uint64_t seq, size_t bytes, int64_t now);
void on_content(Conn *conn, const char *content, uint64_t seq, size_t bytes, int64_t now);

void put_digits(char *at, uint64_t value, int digits);
uint64_t digits_at(const char *at, const char *end);
// The text after `name`, or NULL. Looks first where the caller found it last: frames of a kind are alike.
const char *after(const char *text, size_t bytes, const char *name, size_t name_bytes, size_t *last);
#define AFTER(text, bytes, name) ({ static size_t last; after(text, bytes, name, sizeof(name) - 1, &last); })
#endif
