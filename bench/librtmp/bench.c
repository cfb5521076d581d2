/*
 * What the benchmarks measure of librtmp: plays a URL with RTMP_Read, or publishes FLV with RTMP_Write, and prints the
 * CPU time that this has taken in microseconds, connecting not included.
 *
 *   bench play URL BYTES         reads at least so many bytes
 *   bench publish URL COUNT FILE writes an FLV file so many times
 */
#include <librtmp/rtmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { READ_SIZE = 64 << 10, FILE_SIZE_MAX = 64 << 20 };

static long long cpu_microseconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int play(RTMP *r, long long left)
{
	static char buf[READ_SIZE];

	while (left > 0) {
		int n = RTMP_Read(r, buf, sizeof buf);

		if (n <= 0)
			return 0;
		left -= n;
	}
	return 1;
}

static int publish(RTMP *r, long long count, const char *file, int size)
{
	while (count-- > 0)
		if (RTMP_Write(r, file, size) != size)
			return 0;
	return 1;
}

static int load(const char *name, char **file)
{
	FILE *f = fopen(name, "rb");
	int size = 0;

	*file = malloc(FILE_SIZE_MAX);
	if (f && *file)
		size = fread(*file, 1, FILE_SIZE_MAX, f);
	if (f)
		fclose(f);
	return size;
}

int main(int argc, char **argv)
{
	int publishing = argc == 5 && strcmp(argv[1], "publish") == 0;
	RTMP *r = RTMP_Alloc();
	char *file = NULL;
	int size = 0, ok;
	long long began;

	if (!r || (!publishing && argc != 4)) {
		fprintf(stderr, "usage: bench play URL BYTES | bench publish URL COUNT FILE\n");
		return 2;
	}
	if (publishing && (size = load(argv[4], &file)) == 0) {
		fprintf(stderr, "can't read %s\n", argv[4]);
		return 1;
	}
	RTMP_Init(r);
	if (!RTMP_SetupURL(r, argv[2])) {
		fprintf(stderr, "not a URL: %s\n", argv[2]);
		return 2;
	}
	if (publishing)
		RTMP_EnableWrite(r);
	if (!RTMP_Connect(r, NULL) || !RTMP_ConnectStream(r, 0)) {
		fprintf(stderr, "can't connect to %s\n", argv[2]);
		return 1;
	}
	began = cpu_microseconds();
	ok = publishing ? publish(r, atoll(argv[3]), file, size) : play(r, atoll(argv[3]));
	printf("%lld\n", cpu_microseconds() - began);
	if (!ok)
		fprintf(stderr, "the connection ended too early\n");
	return !ok;
}
