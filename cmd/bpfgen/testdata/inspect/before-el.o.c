
struct part {
	unsigned short a;
	char text[4];
};

struct event {
	unsigned int pid;
	int tgid;
	char comm[16];
	struct part parts[2];
	unsigned int low : 3;
	unsigned int high : 5;
	unsigned long long name;
};
