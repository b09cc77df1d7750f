#include "fabric.h"

#include "strads/survey.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_DEVICES "/sys/class/infiniband"
#define PCI_DEVICES    "/sys/bus/pci/devices"
#define PCI_INFINIBAND 0x0207 /* class and subclass */

/* The names in the kernel's list, "" if it has none. */
static void
kernel_devices(char *names, size_t room)
{
	DIR *list = opendir(KERNEL_DEVICES);
	size_t used = 0;

	names[0] = '\0';
	if (!list)
		return;
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		if (entry->d_name[0] != '.' && used + strlen(entry->d_name) + 3 < room)
			used += (size_t)snprintf(names + used, room - used, "%s%s",
						 used ? ", " : "", entry->d_name);
	}
	closedir(list);
}

/* Cards that say they are InfiniBand, also those that no driver has taken. */
static int
count_cards(void)
{
	DIR *list = opendir(PCI_DEVICES);
	int cards = 0;

	if (!list)
		return 0;
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		char path[sizeof PCI_DEVICES + sizeof entry->d_name + 8];
		unsigned kind = 0;
		FILE *in;

		snprintf(path, sizeof path, PCI_DEVICES "/%s/class", entry->d_name);
		in = fopen(path, "re");
		if (!in)
			continue;
		cards += fscanf(in, "%x", &kind) == 1 && kind >> 8 == PCI_INFINIBAND;
		fclose(in);
	}
	closedir(list);
	return cards;
}

static uint64_t
own_nodes(void)
{
	struct strads_numa numa;
	cpu_set_t processors;

	if (sched_getaffinity(0, sizeof processors, &processors))
		CPU_ZERO(&processors);
	strads_numa_read(STRADS_NUMA_ROOT, &processors, &numa);
	return numa.nodes;
}

int
strads_survey_new(const char *const *settings, struct strads_survey **survey)
{
	struct strads_survey *made;
	struct strads_settings parsed;
	int status = strads_settings_read(settings, &parsed);
	bool exempt;

	if (status)
		return status;
	made = calloc(1, sizeof *made);
	if (!made)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for a survey");
	made->nodes = own_nodes();
	made->lockable_bytes = strads_host_memlock(&exempt);
	if (exempt)
		made->lockable_bytes = UINT64_MAX;
	made->n_cards = count_cards();
	for (int i = 0; strads_providers[i] && !status; i++)
		status = strads_providers[i]->survey(&parsed, made);
	if (status) {
		strads_survey_delete(&made);
		return status;
	}
	if (made->n_devices == 0)
		kernel_devices(made->without_program, sizeof made->without_program);
	*survey = made;
	return STRADS_OK;
}

void
strads_survey_delete(struct strads_survey **survey)
{
	struct strads_survey *gone = *survey;

	if (!gone)
		return;
	*survey = NULL;
	for (int i = 0; i < gone->n_devices; i++) {
		struct strads_survey_device *device = &gone->devices[i];

		for (int port = 0; port < device->n_ports; port++) {
			free(device->ports[port].gids);
			free(device->ports[port].pkeys);
		}
		free(device->ports);
	}
	free(gone->devices);
	free(gone);
}
