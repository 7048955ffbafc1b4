/* The echo server that the reactor is measured against: epoll, in C, and as plain as ours.
 *
 *   cc -O2 -o epoll_echo epoll_echo.c && ./epoll_echo
 *
 * It prints the port that it listens on, and serves until it is killed. One thread, level-triggered, non-blocking
 * sockets, one recv and one send for each event. Bytes for which the kernel has no room wait in the connection,
 * which is watched for EPOLLOUT as long as there are some, and not read from until they are gone. */

#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, BATCH = 1024 };

struct connection {
    int fd;
    char *unsent; /* NULL while nothing waits */
    size_t start, size;
};

static int poller, listener;

static void watch(struct connection *connection, unsigned events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->fd, &event) < 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void end(struct connection *connection) {
    close(connection->fd); /* which takes it out of the poller as well: there is no dup of it */
    free(connection->unsent);
    free(connection);
}

static void begin(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct connection *connection = calloc(1, sizeof *connection);
    connection->fd = fd;
    watch(connection, EPOLLIN, EPOLL_CTL_ADD);
}

static void keep(struct connection *connection, const char *data, size_t size) {
    connection->unsent = malloc(size);
    memcpy(connection->unsent, data, size);
    connection->start = 0;
    connection->size = size;
    watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
}

static void receive(struct connection *connection) {
    static char chunk[CHUNK];
    ssize_t size = recv(connection->fd, chunk, sizeof chunk, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) {
        end(connection);
        return;
    }
    ssize_t sent = send(connection->fd, chunk, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        end(connection);
    else if (sent < size)
        keep(connection, chunk + (sent < 0 ? 0 : sent), size - (sent < 0 ? 0 : sent));
}

static void flush(struct connection *connection) {
    size_t left = connection->size - connection->start;
    ssize_t sent = send(connection->fd, connection->unsent + connection->start, left, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            end(connection);
        return;
    }
    connection->start += sent;
    if (connection->start == connection->size) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct connection listening;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    poller = epoll_create1(0);
    if (listener < 0 || poller < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        perror("epoll_echo");
        return 1;
    }
    listening.fd = listener;
    watch(&listening, EPOLLIN, EPOLL_CTL_ADD);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        static struct epoll_event events[BATCH];
        int count = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == &listening)
                begin();
            else if (connection->unsent)
                flush(connection);
            else
                receive(connection);
        }
    }
}
