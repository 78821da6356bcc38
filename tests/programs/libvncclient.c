/*
 * A viewer on libvncclient without a window: logs in, reads the whole screen once and writes it as a PPM file.
 *
 *   libvncclient HOST PORT SECURITY_TYPE FILE
 *
 * VNC_USERNAME, VNC_PASSWORD and VNC_AUTHORITY (a PEM file) are what it answers when it is asked. Ends with 0 when the
 * file is written, with 1 when it was not let in, with 2 when it is used wrongly or the file cannot be written.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rfb/rfbclient.h>

/* Of one wait for the server, in microseconds. */
#define PATIENCE 20000000

static long pixels_seen;
static int updates_finished;

/* The library frees what it is given. */
static char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? strdup(value) : NULL;
}

static char *give_password(rfbClient *client)
{
    (void)client;
    return from_environment("VNC_PASSWORD");
}

static rfbCredential *give_credential(rfbClient *client, int kind)
{
    rfbCredential *credential = calloc(1, sizeof *credential);
    (void)client;
    if (!credential)
        return NULL;
    if (kind == rfbCredentialTypeX509) {
        credential->x509Credential.x509CACertFile = from_environment("VNC_AUTHORITY");
        credential->x509Credential.x509CrlVerifyMode = rfbX509CrlVerifyNone;
    } else {
        credential->userCredential.username = from_environment("VNC_USERNAME");
        credential->userCredential.password = from_environment("VNC_PASSWORD");
    }
    return credential;
}

static void see(rfbClient *client, int x, int y, int width, int height)
{
    (void)client, (void)x, (void)y;
    pixels_seen += (long)width * height;
}

static void finish_update(rfbClient *client)
{
    (void)client;
    updates_finished++;
}

static int read_whole_screen(rfbClient *client)
{
    while (updates_finished == 0 || pixels_seen < (long)client->width * client->height)
        if (WaitForMessage(client, PATIENCE) <= 0 || !HandleRFBServerMessage(client))
            return 0;
    return 1;
}

static int write_ppm(const rfbClient *client, const char *path)
{
    FILE *file = fopen(path, "wb");
    long pixel, pixels = (long)client->width * client->height;
    if (!file)
        return 0;
    fprintf(file, "P6\n%d %d\n255\n", client->width, client->height);
    /* The library asks for red, green, blue and a byte of nothing. */
    for (pixel = 0; pixel < pixels; pixel++)
        fwrite(client->frameBuffer + 4 * pixel, 1, 3, file);
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    rfbClient *client;
    uint32_t way;
    if (argc != 5)
        return 2;
    client = rfbGetClient(8, 3, 4);
    client->serverHost = strdup(argv[1]);
    client->serverPort = atoi(argv[2]);
    way = (uint32_t)atoi(argv[3]);
    SetClientAuthSchemes(client, &way, 1);
    /* By default it asks for Tight with JPEG, which does not leave pixels as they are. */
    client->appData.encodingsString = "zrle raw";
    client->appData.enableJPEG = FALSE;
    client->GetPassword = give_password;
    client->GetCredential = give_credential;
    client->GotFrameBufferUpdate = see;
    client->FinishedFrameBufferUpdate = finish_update;
    /* It frees the client itself when this fails. */
    if (!rfbInitClient(client, NULL, NULL))
        return 1;
    if (!read_whole_screen(client))
        return 1;
    return write_ppm(client, argv[4]) ? 0 : 2;
}
