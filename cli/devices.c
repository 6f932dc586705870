/* tawny devices: what there is to compute on. */
#include <inttypes.h>
#include <time.h>

#include "base/mem.h"
#include "cli.h"

static const struct option options[] = {OPTION_JSON};

static enum status print_verified(const struct tawny_device_info *d)
{
    char when[32] = "";
    time_t t = (time_t)d->verified_at;
    struct tm tm;
    if (!d->verified_at)
        return out_printf("   verified  not with this driver and these kernels (tawny verify)\n");
    if (localtime_r(&t, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
    if (!d->verified_wrong)
        TRY(out_printf("   verified  %s: %s, %" PRIu32 " cases\n", when,
                       d->verified_all ? "right" : "right as far as it went", d->verified_cases));
    else
        TRY(out_printf("   verified  %s: WRONG in %" PRIu32 " of %" PRIu32 " cases\n", when,
                       d->verified_wrong, d->verified_cases));
    return *d->avoided ? out_printf("   avoided   %s\n", d->avoided) : OK;
}

static enum status print_one(const struct tawny_device_info *d)
{
    char total[SIZE_TEXT], room[SIZE_TEXT], largest[SIZE_TEXT];
    TRY(out_printf("%" PRIu32 "  %s (%s)\n", d->index, d->name, d->kind));
    if (*d->unusable)
        TRY(out_printf("   not usable: %s\n", d->unusable));
    TRY(out_printf("   driver    %s, Vulkan %u.%u.%u\n", d->driver, d->api_version >> 22 & 0x7f,
                   d->api_version >> 12 & 0x3ff, d->api_version & 0xfff));
    TRY(out_printf("   memory    %s, %s free, %s in one block\n", size_text(total, d->memory_total),
                   size_text(room, d->memory_free), size_text(largest, d->max_allocation)));
    TRY(out_printf("   features  %s", d->features));
    if (d->units)
        TRY(out_printf(", %" PRIu32 " units", d->units));
    TRY(out_printf("\n   uuid      %s%s%s\n", d->uuid, *d->pci ? ", PCI " : "", d->pci));
    return *d->unusable ? OK : print_verified(d);
}

static enum status print_all(const struct tawny_device_info *list, uint32_t n)
{
    if (!global.json) {
        for (uint32_t i = 0; i < n; i++)
            TRY(print_one(&list[i]));
        return out_flush();
    }
    json_t *all = json_array();
    for (uint32_t i = 0; all && i < n; i++)
        json_array_append_new(all, device_json(&list[i]));
    return out_json(all, true);
}

static enum status run(char **operands, size_t n_operands)
{
    enum { MOST = 64 };
    uint32_t n = 0;
    (void)operands;
    (void)n_operands;
    struct tawny_device_info *list = mem_calloc(MOST, sizeof *list);
    if (!list)
        return ERR_MEMORY;
    enum status s = from_api(tawny_devices(list, MOST, &n));
    if (s == OK)
        s = print_all(list, n < MOST ? n : MOST);
    if (s == OK && !n)
        s = status_fail(ERR_DEVICE, "there is no Vulkan device: no driver offers one");
    mem_free(list);
    return s;
}

const struct verb verb_devices = {
    .name = "devices",
    .operands = "",
    .summary = "Lists the Vulkan devices",
    OPTIONS(options),
    .run = run,
};
