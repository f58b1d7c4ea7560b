"""Camera, microphone and screen: WebRTC in, encrypted segments out, one recording that plays with Range requests."""
