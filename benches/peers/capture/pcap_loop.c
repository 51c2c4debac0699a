/* The least that a C program does with libpcap to get time and signed payload length of TCP packets: no flows. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

struct event { long long time_us; int size; };

int main(int argc, char **argv) {
    char message[PCAP_ERRBUF_SIZE];
    size_t n = 0, room = 1 << 20, packets = 0;
    struct event *events = malloc(room * sizeof *events);
    for (int file = 1; file < argc; file++) {
        pcap_t *pcap = pcap_open_offline(argv[file], message);
        if (!pcap) { fprintf(stderr, "%s\n", message); return 1; }
        struct pcap_pkthdr *header;
        const u_char *data;
        while (pcap_next_ex(pcap, &header, &data) == 1) {
            packets++;
            if (header->caplen < 14 + 20 + 14 || data[12] != 8 || data[13] != 0) continue;
            const u_char *ip = data + 14;
            unsigned ip_header = (ip[0] & 15) * 4, total = ip[2] << 8 | ip[3];
            if (ip[9] != 6 || header->caplen < 14 + ip_header + 14) continue;
            const u_char *tcp = ip + ip_header;
            int payload = (int)total - (int)ip_header - (tcp[12] >> 4) * 4;
            if (payload <= 0) continue;
            if (n == room) events = realloc(events, (room *= 2) * sizeof *events);
            events[n].time_us = header->ts.tv_sec * 1000000LL + header->ts.tv_usec;
            events[n++].size = ip[12] == 10 ? payload : -payload;
        }
        pcap_close(pcap);
    }
    printf("%zu packets, %zu kept\n", packets, n);
    return 0;
}
