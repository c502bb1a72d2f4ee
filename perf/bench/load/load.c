// A WebSocket load client: rooms of people who send and listen, closed loop or at a rate (Linux, one thread).
//
// Native, because a Node client gives out before the server does. It checks what it measures: every frame of a
// conversation comes in order, each message reaches every listener once, under the seq of its ack; else it exits 1.
// Where there is no seq (protocols/), frames are counted. With `--may-lose` what does not come within two seconds is
// counted as lost, and the loop goes on without it. With `--slow-ms` one listener stops reading for that long, and
// what it got in the end is counted apart.
//
// stdout: `measuring` when the window begins, then one JSON object. Built and called by load.ts.
#define _GNU_SOURCE
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SETUP_AT_ONCE = 64, READ_BYTES = 1 << 20, RING = 4096, MAX_EVENTS = 1024, SLOW_BUFFER_BYTES = 1 << 16 };
static const int64_t SECOND = 1000000000LL, PATIENCE = 5 * SECOND, GIVE_UP = 2 * SECOND, LOOK_AGAIN = SECOND / 4;
static const Protocol *const PROTOCOLS[] = {&colloquy, &relay, &socket_io, &colyseus};

typedef struct {
  uint32_t owed;      // frames that the message still owes
  uint8_t is_given_up; // another has taken its place in the window
  int64_t at;
  uint64_t seq;       // once known
} Flight;
typedef struct { uint64_t next, settled; Flight *flights; } Room; // all before `settled` arrived, or were given up

// Options.
int port, content_bytes = 128;
static int rooms = 1, people = 2, senders = 2, window = 1, first_room = 0, warm_ms = 1000, measure_ms = 3000;
static double rate = 0; // sends a second in all rooms together; 0: closed loop
static const Protocol *protocol = &colloquy;
static int may_lose = 0; // a message that does not come is counted and not an error
static int slow_ms = 0;  // the last person of the first room reads nothing for so long

static Conn *conns, *slow;
static Room *all_rooms;
static int epoll, live = 0, opened = 0, in_setup = 0, is_sending = 0, is_measured = 0;
static int slow_code = 0; // that the slow one was closed with
static char *in;
static Outgoing out;
static int64_t measured_from, measured_to, last_progress;
static uint64_t sent, in_flight, acked, delivered, ack_count, ack_bytes, event_count, event_bytes,
  slow_got, expected, arrivals;

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * SECOND + at.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

// Latencies: 128 buckets to each power of two, so a percentile is within 1 %.
enum { SUB_BITS = 7, BUCKETS = 64 << SUB_BITS };
static uint32_t histogram[BUCKETS];
static uint64_t recorded;

static void record(int64_t ns) {
  uint64_t value = ns < 1 ? 1 : (uint64_t)ns;
  int shift = 63 - __builtin_clzll(value) - SUB_BITS;
  if (shift < 0) shift = 0;
  histogram[((uint64_t)shift << SUB_BITS) + (value >> shift)] += 1;
  recorded += 1;
}

static double percentile_us(double share) {
  uint64_t wanted = (uint64_t)(share * recorded), seen = 0;
  for (uint64_t bucket = 0; bucket < BUCKETS; bucket += 1) {
    seen += histogram[bucket];
    if (seen <= wanted) continue;
    uint64_t shift = bucket >> SUB_BITS, base = bucket;
    if (shift > 0) { shift -= 1; base = bucket - (shift << SUB_BITS); }
    return (double)(base << shift) / 1000;
  }
  return 0;
}

// A client must mask what it sends; a mask of zeros leaves the payload as it is and costs the server the same.
void write_frame(Conn *conn, int opcode, const char *payload, size_t bytes) {
  unsigned char head[8] = {0x80 | opcode, 0x80 | (bytes < 126 ? bytes : 126)};
  size_t head_bytes = 6;
  if (bytes >= 126) { head[2] = bytes >> 8; head[3] = bytes; head_bytes = 8; }
  struct iovec parts[2] = {{head, head_bytes}, {(void *)payload, bytes}};
  ssize_t written = writev(conn->fd, parts, 2);
  if (written != (ssize_t)(head_bytes + bytes)) die("the server does not read: %s", strerror(errno));
}

static void put_message(const Room *room, uint64_t number, int64_t at) {
  if (out.id > 0) put_digits(out.bytes + out.id, number, 10);
  if (out.key > 0) put_digits(out.bytes + out.key, number, 10);
  put_digits(out.bytes + out.room, first_room + (room - all_rooms), 6);
  put_digits(out.bytes + out.time, at, 19);
  put_digits(out.bytes + out.number, number, 10);
  for (int byte = 0; out.little_endian_id > 0 && byte < 4; byte += 1) out.bytes[out.little_endian_id + byte] = number >> 8 * byte;
}

// `at` is when it should have been sent: a late send does not hide the wait (no coordinated omission).
static void send_message(Room *room, int64_t at) {
  uint64_t number = room->next++;
  Flight *flight = &room->flights[number % RING];
  if (flight->owed != 0 && !flight->is_given_up) die("room %ld: %d messages behind", room - all_rooms, RING);
  *flight = (Flight){.owed = people + 1 - (slow != NULL), .at = at};
  expected += flight->owed;
  put_message(room, number, at);
  Conn *conn = &conns[(number % senders) * rooms + (room - all_rooms)];
  ssize_t written = write(conn->fd, out.bytes, out.length);
  if (written != (ssize_t)out.length) die("the server does not read: %s", strerror(errno));
  sent += 1;
  in_flight += 1;
}

static void is_over(Room *room) {
  in_flight -= 1;
  if (is_sending && rate == 0) send_message(room, now_ns());
}

static void arrived(Conn *conn, uint64_t number, uint64_t seq, int64_t now) {
  Room *room = &all_rooms[conn->room];
  arrivals += 1;
  last_progress = now;
  if (may_lose && number + RING < room->next) return;
  Flight *flight = &room->flights[number % RING];
  if (number >= room->next || flight->owed == 0) die("room %d: message %lu came once too often", conn->room, number);
  if (flight->seq == 0) flight->seq = seq;
  else if (flight->seq != seq) die("room %d: message %lu is seq %lu and %lu", conn->room, number, flight->seq, seq);
  flight->owed -= 1;
  if (flight->owed == 0 && !flight->is_given_up) is_over(room);
}

// Lets others take the place of messages that do not come.
static void give_up(Room *room, int64_t now) {
  for (; room->settled < room->next; room->settled += 1) {
    Flight *flight = &room->flights[room->settled % RING];
    if (flight->owed == 0 || flight->is_given_up) continue;
    if (now - flight->at < GIVE_UP) return;
    flight->is_given_up = 1;
    is_over(room);
  }
}

static void look_for_losses(int64_t now) {
  static int64_t next = 0;
  if (!may_lose || now < next) return;
  next = now + LOOK_AGAIN;
  for (int room = 0; room < rooms; room += 1) give_up(&all_rooms[room], now);
}

void on_ack(Conn *conn, uint64_t number, uint64_t seq, size_t bytes, int64_t now) {
  if (now >= measured_from && now < measured_to) acked += 1;
  ack_count += 1;
  ack_bytes += bytes;
  arrived(conn, number, seq, now);
}

void on_content(Conn *conn, const char *content, uint64_t seq, size_t bytes, int64_t now) {
  int64_t at = digits_at(content, content + 19);
  if (conn == slow) { slow_got += 1; last_progress = now; return; }
  if (now >= measured_from && now < measured_to) delivered += 1;
  if (at >= measured_from && at < measured_to) record(now - at);
  event_count += 1;
  event_bytes += bytes;
  arrived(conn, digits_at(content + 20, content + 30), seq, now);
}

void is_live(Conn *conn) { conn->state = LIVE; live += 1; in_setup -= 1; }

static void on_close(Conn *conn, const unsigned char *payload, size_t bytes) {
  int code = bytes < 2 ? 1005 : payload[0] << 8 | payload[1];
  if (conn != slow) die("room %d: closed with %d", conn->room, code);
  if (slow_code == 0) slow_code = code;
  conn->state = GONE;
}

// Bytes taken from the front: the answer to the upgrade, or whole frames.
static size_t take(Conn *conn, char *bytes, size_t length, int64_t now) {
  size_t done = 0;
  if (conn->state == UPGRADING) {
    const char *end = AFTER(bytes, length, "\r\n\r\n");
    if (end == NULL) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) die("no upgrade: %.*s", 60, bytes);
    done = end - bytes;
    protocol->upgraded(conn);
  }
  while (length - done >= 2) {
    unsigned char *at = (unsigned char *)bytes + done;
    size_t head = 2, payload = at[1];
    if (payload == 126) { head = 4; if (length - done < head) break; payload = at[2] << 8 | at[3]; }
    else if (payload == 127) {
      head = 10;
      if (length - done < head) break;
      payload = 0;
      for (int byte = 2; byte < 10; byte += 1) payload = payload << 8 | at[byte];
    }
    if (length - done < head + payload) break;
    int opcode = at[0] & 15;
    if (opcode == TEXT || opcode == BINARY) protocol->frame(conn, opcode, (char *)at + head, payload, now);
    else if (opcode == PING) write_frame(conn, PONG, (char *)at + head, payload);
    else if (opcode == CLOSE) on_close(conn, at + head, payload);
    else die("room %d: opcode %d", conn->room, opcode);
    done += head + payload;
  }
  return done;
}

// Whether there may be more: a read that did not fill its room has emptied the socket.
static int read_some(Conn *conn) {
  size_t kept = conn->rest_bytes;
  if (kept > 0) memcpy(in, conn->rest, kept);
  ssize_t got = read(conn->fd, in + kept, READ_BYTES - kept);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) {
    if (conn != slow) die("room %d: the server closed a connection", conn->room);
    if (conn->state != GONE) { conn->state = GONE; slow_code = 1006; }
    close(conn->fd);
    return 0;
  }
  size_t length = kept + got, done = take(conn, in, length, now_ns());
  conn->rest_bytes = length - done;
  if (conn->rest_bytes == 0) return length == READ_BYTES;
  if (conn->rest_bytes == READ_BYTES) die("a frame of over %d bytes", READ_BYTES);
  conn->rest = realloc(conn->rest, conn->rest_bytes);
  memcpy(conn->rest, in + done, conn->rest_bytes);
  return length == READ_BYTES;
}

static void listen_to(Conn *conn, int operation) {
  struct epoll_event wanted = {.events = EPOLLIN | EPOLLET, .data.ptr = conn};
  epoll_ctl(epoll, operation, conn->fd, &wanted);
}

static void open_conn(Conn *conn) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  conn->fd = socket(AF_INET, SOCK_STREAM, 0);
  int small = SLOW_BUFFER_BYTES;
  if (conn == slow) setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&to, sizeof to) < 0) die("no connection: %s", strerror(errno));
  int yes = 1;
  setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  char path[512], request[1024];
  protocol->path(conn, path);
  int bytes = sprintf(request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path);
  if (write(conn->fd, request, bytes) != bytes) die("no upgrade: %s", strerror(errno));
  fcntl(conn->fd, F_SETFL, O_NONBLOCK);
  conn->state = UPGRADING;
  listen_to(conn, EPOLL_CTL_ADD);
  in_setup += 1;
}

// Handles what is there, after waiting until `until` at most.
static void turn(int64_t until) {
  static struct epoll_event ready[MAX_EVENTS];
  int64_t wait = until - now_ns();
  struct timespec timeout = {0, 0};
  if (wait > 0) timeout = (struct timespec){wait / SECOND, wait % SECOND};
  int count = epoll_pwait2(epoll, ready, MAX_EVENTS, &timeout, NULL);
  if (count < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
  for (int index = 0; index < count; index += 1) while (read_some(ready[index].data.ptr));
}

// Everyone comes in: the first of each room before the others, a few at a time.
static void set_up(void) {
  int64_t deadline = now_ns() + 60 * SECOND;
  while (live < rooms * people) {
    while (opened < rooms * people && in_setup < SETUP_AT_ONCE && (opened < rooms || live >= rooms)) open_conn(&conns[opened++]);
    turn(now_ns() + SECOND / 10);
    if (now_ns() > deadline) die("only %d of %d came in", live, rooms * people);
  }
  for (int64_t quiet = now_ns() + SECOND / 5; now_ns() < quiet;) turn(quiet);
}

static void start_all(void) {
  is_sending = 1;
  for (int room = 0; rate == 0 && room < rooms; room += 1)
    for (int message = 0; message < window; message += 1) send_message(&all_rooms[room], now_ns());
}

// All that was to be sent by `now`; gives the time of the next, or `never` in a closed loop.
static int64_t send_due(int64_t start, int64_t now, int64_t never) {
  static uint64_t count = 0;
  if (rate == 0) return never;
  for (;;) {
    int64_t due = start + (int64_t)(count * SECOND / rate);
    if (due > now) return due;
    send_message(&all_rooms[count++ % rooms], due);
  }
}

static void begin_window(double *cpu) {
  is_measured = 1;
  *cpu = cpu_seconds();
  puts("measuring");
  fflush(stdout);
  if (slow != NULL) listen_to(slow, EPOLL_CTL_DEL);
}

// Until all that was sent has come, or will not come any more.
static void drain(void) {
  is_sending = 0;
  last_progress = now_ns();
  for (;;) {
    int is_slow_done = slow == NULL || slow->state == GONE || slow_got == sent;
    if (in_flight == 0 && is_slow_done) return;
    turn(now_ns() + SECOND / 10);
    look_for_losses(now_ns());
    if (now_ns() - last_progress < PATIENCE) continue;
    if (in_flight == 0) return;
    die("%lu messages were not acknowledged, or not delivered to all", in_flight);
  }
}

static void report(double cpu) {
  double seconds = measure_ms / 1000.0;
  printf("{\"acked\":%.1f,\"delivered\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu\":%.4f,\"ack_bytes\":%.1f,\"event_bytes\":%.1f,"
    "\"send_bytes\":%zu,\"sent\":%lu,\"lost\":%lu,\"slow_got\":%lu,\"slow_code\":%d}\n",
    acked / seconds, delivered / seconds, percentile_us(.5), percentile_us(.99), cpu / seconds,
    (double)ack_bytes / (ack_count + !ack_count), (double)event_bytes / (event_count + !event_count),
    out.length - 8, sent, expected - arrivals, slow_got, slow_code);
}

static void run(void) {
  int64_t start = now_ns();
  double cpu = 0;
  measured_from = start + warm_ms * 1000000LL;
  measured_to = measured_from + measure_ms * 1000000LL;
  last_progress = start;
  start_all();
  int is_slow = slow != NULL;
  for (int64_t now = start; now < measured_to; now = now_ns()) {
    if (!is_measured && now >= measured_from) begin_window(&cpu);
    if (is_slow && now >= measured_from + slow_ms * 1000000LL) { is_slow = 0; listen_to(slow, EPOLL_CTL_ADD); }
    if (now - last_progress > PATIENCE && in_flight > 0) die("nothing for %ld s, %lu messages in flight", PATIENCE / SECOND, in_flight);
    look_for_losses(now);
    int64_t mark = is_measured ? measured_to : measured_from, due = send_due(start, now, mark);
    if (is_slow || may_lose) mark = now + LOOK_AGAIN < mark ? now + LOOK_AGAIN : mark;
    turn(due < mark ? due : mark);
  }
  cpu = cpu_seconds() - cpu;
  puts("measured");
  fflush(stdout);
  drain();
  report(cpu);
}

int main(int count, char **args) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = args[at], *value = args[at + 1];
    struct { const char *name; int *whole; } options[] = {
      {"--port", &port}, {"--rooms", &rooms}, {"--people", &people}, {"--senders", &senders}, {"--window", &window},
      {"--content-bytes", &content_bytes}, {"--warm-ms", &warm_ms}, {"--measure-ms", &measure_ms}, {"--may-lose", &may_lose},
      {"--slow-ms", &slow_ms}, {"--first-room", &first_room}};
    int is_known = strcmp(name, "--rate") == 0;
    if (is_known) rate = atof(value);
    for (size_t at = 0; strcmp(name, "--protocol") == 0 && at < sizeof PROTOCOLS / sizeof *PROTOCOLS; at += 1)
      if (strcmp(value, PROTOCOLS[at]->name) == 0) { protocol = PROTOCOLS[at]; is_known = 1; }
    for (size_t option = 0; option < sizeof options / sizeof *options; option += 1)
      if (strcmp(name, options[option].name) == 0) { *options[option].whole = atoi(value); is_known = 1; }
    if (!is_known) die("unknown option %s %s", name, value);
  }
  if (content_bytes < 40 || content_bytes > 8192 || window >= RING || senders > people - (slow_ms > 0)) die("options out of range");
  prctl(PR_SET_TIMERSLACK, 1);
  alarm(60 + 2 * (unsigned)(PATIENCE / SECOND) + (warm_ms + measure_ms) / 1000);
  epoll = epoll_create1(0);
  in = malloc(READ_BYTES);
  conns = calloc((size_t)rooms * people, sizeof *conns);
  all_rooms = calloc(rooms, sizeof *all_rooms);
  for (int room = 0; room < rooms; room += 1) all_rooms[room].flights = calloc(RING, sizeof(Flight));
  // Person p of room r is at p * rooms + r: all first people come in first.
  for (int at = 0; at < rooms * people; at += 1) conns[at] = (Conn){.room = at % rooms, .name = first_room + at % rooms, .person = at / rooms};
  if (slow_ms > 0) slow = &conns[(people - 1) * rooms];
  make_frame(protocol, &out);
  set_up();
  run();
  return 0;
}
