#!/bin/sh
# RunOnReceive of gammu-smsd: hand a text to smsgate, and try again for an hour while it is away.
# The name of its file in the inbox is the id: the same text handed over twice counts once.
if [ "${DECODED_PARTS:-0}" -gt 0 ]; then
  text=$DECODED_1_TEXT
else
  text=$SMS_1_TEXT
fi
exec curl --silent --show-error --fail --retry 720 --retry-delay 1 --retry-max-time 3600 --retry-all-errors \
  --data-urlencode "id=$1" \
  --data-urlencode "from=$SMS_1_NUMBER" \
  --data-urlencode "to=$SMSGATE_SENDER" \
  --data-urlencode "text=$text" \
  "$SMSGATE_WEBHOOK"
