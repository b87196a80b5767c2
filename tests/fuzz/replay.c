/* Runs a fuzz target over a corpus without a fuzzer: replay_NAME FOLDER. One TAP line; a crash is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Hands the target a heap block of exactly the input's size, so that a sanitizer sees a read past its end. */
static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;
	int ok = 0;

	if (file == NULL)
		return 0;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	rewind(file);
	if (size < 0)
		goto out;
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		goto out;
	LLVMFuzzerTestOneInput(data, (size_t)size);
	ok = 1;
out:
	free(data);
	fclose(file);
	return ok;
}

int main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	char path[4096];
	size_t inputs = 0;
	struct dirent *entry;
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

	if (folder == NULL) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	LLVMFuzzerTestOneInput(nothing, 0);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
		if (!replay_file(path)) {
			fprintf(stderr, "cannot read %s\n", path);
			closedir(folder);
			return 1;
		}
		inputs++;
	}
	closedir(folder);
	if (inputs == 0)
		fprintf(stderr, "%s holds no input\n", argv[1]);
	printf("%s 1 - %zu inputs of %s\n1..1\n", inputs > 0 ? "ok" : "not ok", inputs, argv[1]);
	return inputs > 0 ? 0 : 1;
}
