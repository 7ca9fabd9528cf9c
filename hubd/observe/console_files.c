/* console_files.c - embeds the files with the assembler; the build recompiles
 * this file when one of them changes.
 */
#include "observe/console_files.h"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JS "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

/* Symbol name, source file, request path and media type. */
#define FILES(X)                                                               \
    X(index_html, HUBD_CONSOLE_DIR "/index.html", "/console", HTML)            \
    X(base_css, HUBD_CONSOLE_DIR "/base.css", "/console/base.css", CSS)        \
    X(console_css, HUBD_CONSOLE_DIR "/console.css", "/console/console.css",    \
      CSS)                                                                     \
    X(icon_svg, HUBD_CONSOLE_DIR "/icon.svg", "/console/icon.svg", SVG)        \
    X(hub_client_js, HUBD_CLIENT_DIR "/hub-client.js",                         \
      "/console/hub-client.js", JS)                                            \
    X(hub_protocol_js, HUBD_CLIENT_DIR "/hub-protocol.js",                     \
      "/console/hub-protocol.js", JS)                                          \
    SCRIPT(X, address)                                                         \
    SCRIPT(X, connection)                                                      \
    SCRIPT(X, connections)                                                     \
    SCRIPT(X, console)                                                         \
    SCRIPT(X, copy)                                                            \
    SCRIPT(X, dom)                                                             \
    SCRIPT(X, figures)                                                         \
    SCRIPT(X, history)                                                         \
    SCRIPT(X, json_text)                                                       \
    SCRIPT(X, message_row)                                                     \
    SCRIPT(X, messages)                                                        \
    SCRIPT(X, newest)                                                          \
    SCRIPT(X, plot)                                                            \
    SCRIPT(X, poll)                                                            \
    SCRIPT(X, rates)                                                           \
    SCRIPT(X, request)                                                         \
    SCRIPT(X, sender)                                                          \
    SCRIPT(X, units)

#define SCRIPT(X, name)                                                        \
    X(name##_js, HUBD_CONSOLE_DIR "/" #name ".js", "/console/" #name ".js", JS)

/* Global, because link-time optimization may separate them from the table. */
#define EMBED(name, source, path, type)                                        \
    __asm__(".pushsection .rodata\n"                                           \
            ".globl console_" #name ", console_" #name "_end\n"                \
            ".hidden console_" #name ", console_" #name "_end\n"               \
            "console_" #name ":\n"                                             \
            ".incbin \"" source "\"\n"                                         \
            "console_" #name "_end:\n"                                         \
            ".popsection\n");                                                  \
    extern const unsigned char console_##name[]                                \
        __attribute__((visibility("hidden")));                                 \
    extern const unsigned char console_##name##_end[]                          \
        __attribute__((visibility("hidden")));

#define ROW(name, source, path, type)                                          \
    {path, type, console_##name, console_##name##_end},

/* clang-format off */
FILES(EMBED)

const struct console_file console_files[] = {
    FILES(ROW)
};
/* clang-format on */

const size_t console_file_count =
    sizeof(console_files) / sizeof(console_files[0]);
